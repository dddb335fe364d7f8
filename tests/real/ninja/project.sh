# shellcheck shell=bash disable=SC2034  # read by ../run
package=ninja-build
edited=src/graph.cc
