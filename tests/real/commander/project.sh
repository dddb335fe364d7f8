# shellcheck shell=bash disable=SC2034  # read by ../run
package=node-commander
# As upstream has it: Debian's patches are for Debian's own modules.
tar_only=1
edited=lib/command.js
