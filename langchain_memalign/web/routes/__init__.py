"""What the page answers: a file for each screen."""
