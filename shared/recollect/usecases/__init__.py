"""What the product does, one use case a file; knows ports, never adapters."""
