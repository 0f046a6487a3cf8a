"""What a run found: summary, comparison, leaderboard and pages."""
