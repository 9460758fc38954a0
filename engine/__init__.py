"""Runs BPMN diagrams: deploys them, moves their tokens, keeps their state; never asks what they are about."""
