"""Runs BPMN diagrams: deploys them, moves their tokens, keeps their state. Knows nothing of what they are about."""
