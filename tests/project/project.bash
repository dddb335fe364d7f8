# For tests that drive CMake, Ninja and CTest on the little project in sample/.
# shellcheck shell=bash

# What most of these tests need; others have their own.
setup_file() {
    make_project_base
}

setup() {
    make_project
}

# In setup_file: the rootfs that everything is based on.
make_project_base() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
}

# In setup: $work with a copy of the sample in project/, and a store of the test's own.
make_project() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store"
    cp -r "$BATS_TEST_DIRNAME/sample" project
    chmod -R u+w project
    module_dir=$(realpath "$BATS_TEST_DIRNAME/../../cmake")
}

# configure_in SOURCE BUILD [ARGUMENT...]: what is not given has its default, whatever was given before.
configure_in() {
    local source=$1 build=$2
    shift 2
    call cmake -G Ninja -S "$source" -B "$build" -U 'SAMPLE_*' -D SAMPLE_MODULE_DIR="$module_dir" \
        -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" -D SAMPLE_BASE="rootfs:$file_dir/rootfs" "$@"
    [[ $code == 0 ]] || blame "configuring failed"
}

configure() {
    configure_in project build "$@"
}

# build [TARGET...]: with Ninja, build-complete by default.
build() {
    call ninja -C build "${@:-build-complete}"
    [[ $code == 0 ]] || blame "the build failed"
}

build_fails() {
    call ninja -C build "${@:-build-complete}"
    [[ $code == 1 ]] || blame "expected the build to fail"
}

# How often the commands of the stages ran, by what the store knows: "install 1, build 2".
runs() {
    python3 - "$MSTAGE_STORE" <<'END'
import collections, glob, json, sys
counts = collections.Counter()
for path in glob.glob(sys.argv[1] + "/runs/*/run.json"):
    origin = json.load(open(path))["origin"]
    if origin.startswith("stage "):
        counts[origin.split("/", 1)[1]] += 1
order = ["install", "build"]
names = sorted(counts, key=lambda name: (order.index(name) if name in order else 9, name))
print(", ".join(f"{name} {counts[name]}" for name in names))
END
}

# The content of a file of a checkpoint's image.
image_file() {
    mstage -C build cat "$1"
}

image_of() {
    json "$(cat "build/.mstage/app/$1.checkpoint")" 'd["image"]'
}

# A build that has nothing to do says so and starts no process.
nothing_to_do() {
    call ninja -C build "${@:-build-complete}"
    [[ $code == 0 ]] || blame "the build failed" || return
    [[ $out == *"ninja: no work to do."* ]] || blame "expected that there is no work to do"
}

starts_no_process() {
    command -v strace >/dev/null || unavailable "no strace"
    call strace -f -qq -e trace=execve -o "$work/trace" ninja -C build "${@:-build-complete}"
    [[ $code == 0 ]] || blame "the build failed" || return
    [[ $out == *"ninja: no work to do."* ]] || blame "expected that there is no work to do" || return
    same 1 "$(grep -c 'execve(.*= 0$' "$work/trace")"
}

# Files whose times differ: Ninja looks at no more than that.
later() {
    sleep 0.02
}

# measurement TEST NAME: of the last `ctest -T Test`; "output" for what the test printed, and of a file its content.
measurement() {
    python3 - "$@" <<'END'
import base64, glob, io, sys, tarfile, xml.etree.ElementTree as tree, zlib
path = max(glob.glob("build/Testing/*/Test.xml"))
for test in tree.parse(path).iter("Test"):
    if test.findtext("Name") != sys.argv[1]:
        continue
    if sys.argv[2] == "output":
        output = test.find("Results/Measurement/Value")
        packed = output.get("compression") == "gzip"
        print((zlib.decompress(base64.b64decode(output.text)).decode() if packed else output.text).strip())
    for one in test.iter("NamedMeasurement"):
        if one.get("name") == sys.argv[2]:
            value = one.findtext("Value")
            if one.get("type") == "file":
                archive = tarfile.open(fileobj=io.BytesIO(base64.b64decode(value)))
                value = archive.extractfile(archive.getmembers()[0]).read().decode()
            print(value.strip())
END
}
