"""Codes that are sent by e-mail or SMS, for whoever asks for one: `codes` counts and checks them, `texts` says what is sent."""
