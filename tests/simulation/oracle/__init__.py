"""What should be, worked out the slow way, without the model's own functions."""
