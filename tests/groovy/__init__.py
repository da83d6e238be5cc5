"""The lint of the Jenkinsfiles."""
