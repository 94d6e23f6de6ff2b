"""What auditors ask of the log: single records with their proofs, verifications, signed packs, who looked at what."""
