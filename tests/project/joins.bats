#!/usr/bin/env bats
# Stages that take files of other checkpoints (COPY), and less of the source than the others (EXCLUDE).

load ../support.bash
load project.bash

setup() {
    make_project
    mkdir project/manual
    echo page >project/manual/page
}

# with_pack COPY...: a stage 'docs' beside 'build', and 'pack' on 'build' that takes the copies.
with_pack() {
    {
        cat <<'END'
multi_stage_add_stage(app docs FROM deps-installed CHECKPOINT docs-built INPUTS manual
  COMMAND [==[mkdir -p /docs/sub && cp manual/page /docs/page && echo two >/docs/sub/two && ln -s page /docs/link &&
    chmod 640 /docs/page && chmod 700 /docs && mkdir -p /opt && echo one >/opt/one.so && echo two >/opt/two.so]==])
END
        printf 'multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed INPUTS NONE COPY'
        printf ' [==[%s]==]' "$@"
        printf ' COMMAND "%s")\n' "${pack_command:-true}"
    } >project/more.cmake
}

@test "files, directories and wildcards of another checkpoint, under the same name or another" {
    with_pack docs-built:/docs docs-built:/docs/page=/etc/new/page docs-built:/opt/*.so=/usr/lib/app/
    configure
    build packed
    same page "$(image_file packed:/docs/page)"
    same two "$(image_file packed:/docs/sub/two)"
    same page "$(image_file packed:/docs/link)"
    same page "$(image_file packed:/etc/new/page)"
    same "one
two" "$(image_file packed:/usr/lib/app/one.so)
$(image_file packed:/usr/lib/app/two.so)"
    # Of the parent nothing is lost, and the other branch stays as it was.
    same "first
second" "$(image_file packed:/result)"
    run -1 mstage -C build ls docs-built:/result
    succeeds mstage -C build run packed -c 'stat -c "%a %n" /docs /docs/page; readlink /docs/link'
    same "700 /docs
640 /docs/page
page" "$out"
    nothing_to_do packed
    same "install 1, build 1, docs 1, pack 1" "$(runs)"
}

@test "the command sees the copies over what was there, and may change them" {
    pack_command='cat /result >/seen && echo mine >/result && rm -r /docs/sub'
    with_pack docs-built:/docs/page=/result docs-built:/docs
    configure
    build packed
    same page "$(image_file packed:/seen)"
    same mine "$(image_file packed:/result)"
    run -1 mstage -C build ls packed:/docs/sub
    same two "$(image_file docs-built:/docs/sub/two)"
}

@test "it runs again when what it copies changed, and only then" {
    with_pack docs-built:/docs
    configure
    build packed
    later
    touch project/manual/page
    build packed
    same "install 1, build 1, docs 1, pack 1" "$(runs)"
    later
    echo other >project/manual/page
    build packed
    same "install 1, build 2, docs 2, pack 2" "$(runs)"
    same other "$(image_file packed:/docs/page)"
    later
    echo page >project/manual/page
    build packed
    same "install 1, build 2, docs 2, pack 2" "$(runs)"
    same page "$(image_file packed:/docs/page)"
    # Another path is another stage (and the file that says so is a source of the build).
    with_pack docs-built:/docs=/manual
    configure
    build packed
    same "install 1, build 3, docs 2, pack 3" "$(runs)"
}

@test "what is not there" {
    with_pack docs-built:/docs/nothing*
    configure
    build_fails packed
    has "$out" "mstage: error: stage 'pack' of pipeline 'app' could not be run: copying 'app.docs-built:/docs/nothing*': nothing in that image matches"
    absent build/.mstage/app/packed.checkpoint
    with_pack docs-built:/opt/*.so=/usr/lib/one.so
    configure
    build_fails packed
    has "$out" "2 things match, and '/usr/lib/one.so' is the name of one"
    has "$out" "a '/' at its end makes it the directory"
    with_pack docs-built:/docs
    configure
    build packed
}

@test "links on the way lead where they lead inside of the image" {
    pack_command='ls /real /real2'
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app docs FROM deps-installed CHECKPOINT docs-built INPUTS NONE
  COMMAND "mkdir /far && echo x >/far/file && ln -s /far /near")
multi_stage_add_stage(app place FROM build-complete CHECKPOINT placed INPUTS NONE
  COMMAND "mkdir -m 750 /real && ln -s /real /link && ln -s ../../../../etc/../real /up")
multi_stage_add_stage(app pack FROM placed CHECKPOINT packed INPUTS NONE
  COPY docs-built:/near/file=/link/a docs-built:/near/file=/up/b COMMAND true)
END
    configure
    build packed
    same "x
x" "$(image_file packed:/real/a)
$(image_file packed:/real/b)"
    succeeds mstage -C build run packed -c 'stat -c %a /real; readlink /link'
    same "750
/real" "$out"
}

@test "files of another pipeline" {
    cat >project/more.cmake <<'END'
multi_stage_build(lib BASE "${SAMPLE_BASE}" INSTALL_COMMAND "" BUILD_COMMAND "cat src/a.txt >/lib.a" BUILD_INPUTS src/a.txt
  NETWORK OFF TEST_COMMAND "")
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed COPY lib.build-complete:/lib.a=/usr/lib/
  INPUTS NONE COMMAND true)
END
    configure
    build packed
    same first "$(image_file packed:/usr/lib/lib.a)"
    nothing_to_do packed
    later
    echo changed >project/src/a.txt
    build packed
    same changed "$(image_file packed:/usr/lib/lib.a)"
}

@test "a stage that excludes more than the others" {
    echo doc >project/src/a.md
    mkdir project/src/deep
    echo keep >project/src/deep/keep.md
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app less FROM setup-base CHECKPOINT less-done INPUTS src EXCLUDE *.md !keep.md /src/b.txt
  COMMAND "find src | sort >/less")
END
    configure
    build less-done build-complete
    same "src
src/a.txt
src/deep
src/deep/keep.md" "$(image_file less-done:/less)"
    has "$(image_file build-complete:/listing)" ./src/a.md
    later
    echo other >project/src/a.md
    build less-done
    same "install 1, build 1, less 1" "$(runs)"
}

@test "an empty source" {
    mkdir empty
    cat >project/more.cmake <<'END'
multi_stage_build(bare SOURCE ../empty BASE "${SAMPLE_BASE}" INSTALL_COMMAND "" BUILD_COMMAND "ls -A >/listing; pwd >>/listing"
  TEST_COMMAND "" NETWORK OFF)
END
    configure
    build bare.build-complete
    same /app "$(image_file bare.build-complete:/listing)"
    nothing_to_do bare.build-complete
    later
    touch empty/now
    build bare.build-complete
    same "now
/app" "$(image_file bare.build-complete:/listing)"
}
