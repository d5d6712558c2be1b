"""What gateway and node share as servers: callers, quotas, the auditor's service, start and stop."""
