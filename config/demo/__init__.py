"""What only the demonstration needs: people, certificates and records that look like a province's."""
