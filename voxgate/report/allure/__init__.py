"""Allure: results while tests run, the deploy beside them, and the page."""
