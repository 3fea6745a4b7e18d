"""Entra ID and Microsoft Graph, as far as clients of Managed HSM ask them."""
