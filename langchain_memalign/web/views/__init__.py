"""From records to what a template shows; pure: nothing here reads, writes or waits."""
