#!/usr/bin/env bats
# mstage mcp and the official clients: the two generations of the SDK, and the command line of the inspector. They and the
# Node.js that they run on come from the npm registry: this needs the network.

load ../support.bash
load project.bash
load mcp.bash

# The clients are installed in a sandbox, and copied out of its image.
setup_file() {
    command -v mmdebstrap >/dev/null || unavailable "no mmdebstrap"
    require_sandbox
    make_project_base
    mstage import --tag node debian:bookworm+nodejs+npm >/dev/null
    tar -c -C "$BATS_TEST_DIRNAME/mcp" package.json package-lock.json | mstage run --tag clients --cache /root/.npm,id=npm tag:node \
        -c 'mkdir /clients && cd /clients && tar -x && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error'
    mkdir "$file_dir/clients"
    mstage cp tag:clients:/clients/node_modules "$file_dir/clients/"
    cp "$BATS_TEST_DIRNAME"/mcp/*.mjs "$file_dir/clients/"
}

# Both checkpoints have a generation before the present one.
setup() {
    make_project
    import_base
    configure
    build
    echo more >>project/deps.txt
    build
    mkdir -p root/project
    echo "of the host" >root/project/file
}

# node PROGRAM ERA
node_checks() {
    local node=("$file_dir"/clients/node_modules/node-linux-*/bin/node)
    call "${node[0]}" "$file_dir/clients/$1" "$2" "$work/build" "$work/root"
    [[ $code == 0 ]] || blame "failed"
    has "$out" "$2: 22 tools, 11 prompts"
}

@test "the SDK that begins with a handshake lists, calls and reads everything" {
    node_checks everything.mjs v1
}

@test "the SDK of the current revision lists, calls and reads everything" {
    node_checks everything.mjs v2
}

@test "the SDK of the current revision finds out what the server speaks" {
    node_checks everything.mjs v2-auto
}

@test "the SDK of the current revision speaks as earlier ones did" {
    node_checks everything.mjs v2-legacy
}

@test "the inspector lists, calls and reads everything" {
    node_checks inspector.mjs legacy
}

@test "the inspector does so with the current revision" {
    node_checks inspector.mjs modern
}
