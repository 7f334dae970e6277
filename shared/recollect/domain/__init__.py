"""What a memory is and the rules it obeys; knows no vendor, clock or network."""
