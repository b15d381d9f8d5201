"""What this machine computes with: instruction set and GPUs."""
