"""What a next trial would show."""
