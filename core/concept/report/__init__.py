"""The report about a concept: one HTML file."""

from core.concept.report.page import report_data, report_html

__all__ = ["report_data", "report_html"]
