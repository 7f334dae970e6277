"""What the use cases need from the outside, in our words; adapters fulfil it."""
