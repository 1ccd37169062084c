"""What a judge is made of, and how its model's answer becomes a verdict."""
