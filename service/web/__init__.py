"""What HTTP asks for: negotiation, bodies, content codings, problem documents."""
