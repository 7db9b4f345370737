# Each recipe has a plain spelling; `just` is not needed.

# List the recipes.
default:
    @just --list

# Install what is missing of the Debian packages.
setup:
    cargo xtask setup

# The main job on examples/quickstart, from nothing.
quickstart:
    cargo xtask quickstart

# Every check and every test; what CI runs.
test:
    cargo xtask test

# Which crate depends on which.
deps:
    cargo xtask deps

# Write the JSON Schema of edge.yaml.
schema:
    cargo xtask schema

# Look for what should never be committed.
tidy:
    cargo xtask tidy

# Build the static agent.
agent:
    cargo xtask agent

# Format everything.
fmt:
    cargo fmt --all
