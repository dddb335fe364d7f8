# shellcheck shell=bash disable=SC2034  # read by ../run
package=fmtlib
edited=src/format.cc
