"""The prompts and their pure renderers; untrusted text is neutralised here."""
