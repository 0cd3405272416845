"""VaultStream on AWS, from the same contracts that the application reads."""
