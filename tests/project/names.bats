#!/usr/bin/env bats
# Odd names of files and directories, and odd commands.

load ../support.bash
load project.bash

# see_and_watch NAME...: files of these names reach the stage, and their changes are noticed.
see_and_watch() {
    local name count=1
    for name; do
        echo x >"project/src/$name"
    done
    configure -D SAMPLE_BUILD="find . -type f | sort >/listing; cat src/* >/result"
    build
    for name; do
        has "$(image_file build-complete:/listing)" "./src/$name" || return
    done
    for name; do
        later
        echo "now $count" >"project/src/$name"
        build
        count=$((count + 1))
        same "install 1, build $count" "$(runs)" || { echo "not noticed: $name"; return 1; }
    done
}

@test "source files with odd names are seen, and watched" {
    mkdir "project/dir with space" "project/\$dir"
    echo x >"project/dir with space/file"
    echo x >"project/\$dir/file"
    see_and_watch 'with space' '$dollar' '#hash' 'ümläut-日本' '-dash' 'per%cent' 'colon:x' 'brackets[x]' '~tilde' '@at' \
        '$$two' 'a,b=c+d' '{braces}' '(parentheses)' '!important'
    nothing_to_do
    touch "project/dir with space/new" "project/\$dir/new"
    build
    has "$(image_file build-complete:/listing)" "./dir with space/new"
    has "$(image_file build-complete:/listing)" "./\$dir/new"
    nothing_to_do
}

@test "names that Ninja cannot read are watched by a scan in every build" {
    see_and_watch "quote'single" 'quote"double' 'semi;colon' 'back\slash' 'star*' 'a&b' 'pipe|x' '\ escaped' \
        $'tab\tbed' '<angle>' '`tick`' '^caret' 'what?' 'trailing '
    local before
    before=$(runs)
    build
    same "$before" "$(runs)"
    has "$out" "app: scan"
    has_not "$out" "app: build-complete"
}

@test "a name with a line end" {
    echo x >"project/src/"$'new\nline'
    configure
    build
    has "$(image_file build-complete:/result)" x
    echo second >"project/src/"$'new\nline'
    touch project/src/a.txt
    build
    same "install 1, build 2" "$(runs)"
}

@test "spaces and more in the paths of project, build tree and store" {
    # In that of a build tree CMake allows no #.
    local odd="odd \$dir, (1) ü" source="\$my #1 project"
    mkdir "$odd"
    mv project "$odd/$source"
    export MSTAGE_STORE="$work/$odd/the store"
    configure_in "$odd/$source" "$odd/the build"
    call ninja -C "$odd/the build" build-complete
    [[ $code == 0 ]] || blame "the build failed"
    call ninja -C "$odd/the build" build-complete
    has "$out" "no work to do"
    echo changed >"$odd/$source/src/a.txt"
    call ninja -C "$odd/the build" build-complete
    same "install 1, build 2" "$(runs)"
    call ninja -C "$odd/the build" build-complete
    has "$out" "no work to do"
    call ctest --test-dir "$odd/the build" --output-on-failure
    [[ $code == 0 ]] || blame "ctest failed"
    # The commands of the report have the right quotes.
    configure_in "$odd/$source" "$odd/the build" -D SAMPLE_BUILD="exit 3"
    call ninja -C "$odd/the build" build-complete
    same 1 "$code"
    call sh -c "$(json "$(cat "$MSTAGE_STORE"/runs/*/report.json)" 'd["resume_command"]')"
    has "$out" "exit code 3"
}

@test "a quote in the path, which Ninja cannot read: nothing runs again" {
    mkdir "it's"
    mv project "it's/project"
    configure_in "it's/project" "it's/build"
    for _ in 1 2 3; do
        call ninja -C "it's/build" build-complete
        [[ $code == 0 ]] || blame "the build failed"
        same "install 1, build 1" "$(runs)"
    done
    echo changed >"it's/project/src/a.txt"
    call ninja -C "it's/build" build-complete
    same "install 1, build 2" "$(runs)"
}

@test "a build tree in the source is not a source" {
    configure_in project project/out
    call ninja -C project/out build-complete
    [[ $code == 0 ]] || blame "the build failed"
    succeeds mstage -C project/out cat build-complete:/listing
    has_not "$out" ./out
    call ninja -C project/out build-complete
    has "$out" "no work to do"
    same "install 1, build 1" "$(runs)"
}

@test "commands with quotes, dollars, semicolons and backslashes" {
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app line FROM setup-base CHECKPOINT line-done INPUTS NONE
  COMMAND [==[x='a;b'; printf '%s|' "$x" '$x' "it's" 'say "hi"' "back\\slash" $(echo sub) '#' '%' '@X@' >/line]==])
multi_stage_add_stage(app words FROM setup-base CHECKPOINT words-done INPUTS NONE
  COMMAND sh -c [==[printf '%s|' "$@" >/words]==] sh "a;b" "$x" "it's" "say \"hi\"" "back\\slash" "" "with space" "#" "*")
END
    configure
    build line-done words-done
    same 'a;b|$x|it'"'"'s|say "hi"|back\slash|sub|#|%|@X@|' "$(image_file line-done:/line)"
    same 'a;b|$x|it'"'"'s|say "hi"|back\slash||with space|#|*|' "$(image_file words-done:/words)"
    nothing_to_do line-done words-done
}
