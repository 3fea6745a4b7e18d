"""What must hold after every step, each rule checked by logic that the model does not have."""
