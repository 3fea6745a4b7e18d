"""``keyvault region drill``: an outage rehearsed around the user's own command."""
