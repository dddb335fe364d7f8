# For tests of `mstage mcp`, whose programs are in mcp/.
# shellcheck shell=bash

# checks PROGRAM [CLASS...]: the tests in there succeed.
checks() {
    call env PYTHONDONTWRITEBYTECODE=1 python3 "$BATS_TEST_DIRNAME/mcp/$1" "${@:2}"
    [[ $code == 0 ]] || blame "failed"
}

# In setup: as tag:base what make_project_base has made.
import_base() {
    mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
}
