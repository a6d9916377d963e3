"""The door: columns of tables become checked roles, and what they hide is refused or said."""
