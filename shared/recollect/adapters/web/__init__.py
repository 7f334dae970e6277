"""What is fetched from addresses that callers name."""
