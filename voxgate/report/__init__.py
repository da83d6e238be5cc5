"""What comes out of a run: the only code that knows Allure, JUnit properties, the terminal's table, and redaction."""
