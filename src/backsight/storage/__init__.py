"""What is kept of people and recordings: tables, migrations, repositories. Knows no web server."""
