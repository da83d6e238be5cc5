"""The deploy: plan, engine, state on the hosts, rollback, and the decision."""
