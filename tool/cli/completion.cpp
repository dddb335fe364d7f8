#include "cli/completion.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

// The scripts know of no verb and no option: they ask `mstage __complete` (complete.cpp has the
// form of its answers), that very program which is on the command line. No space is wanted after a
// word that can go on: "tag:", "build-complete:/", "--env=".

// Readline takes ':', '=' and '@' for ends of words, so an argument is in several of COMP_WORDS,
// and what is completed is only its last part.
constexpr std::string_view k_bash = R"(# bash completion for mstage
# shellcheck shell=bash
_mstage() {
    local -a words=() lines=()
    local rest=${COMP_LINE:0:COMP_POINT} apart part i
    for ((i = 0; i <= COMP_CWORD; ++i)); do
        apart=
        while [[ $rest == [[:space:]]* ]]; do
            rest=${rest:1} apart=1
        done
        part=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then
            part=$rest
        fi
        rest=${rest:${#part}}
        if ((i > 0)) && [[ -z $apart ]]; then
            words[${#words[@]} - 1]+=$part
        else
            words+=("$part")
        fi
    done
    local quoted=
    if [[ ${words[${#words[@]} - 1]} == [\"\']* ]]; then
        quoted=1
    fi
    for i in "${!words[@]}"; do
        part=${words[i]//[\\\"\']/}
        if [[ $part == \~/* ]]; then
            part=$HOME/${part:2}
        fi
        words[i]=$part
    done

    local word=${words[${#words[@]} - 1]} breaks='' line skip file
    for part in : = @; do
        if [[ $COMP_WORDBREAKS == *"$part"* ]]; then
            breaks+=$part
        fi
    done
    local done_with=
    if [[ -n $breaks && -z $quoted ]]; then
        done_with=${word%"${word##*["$breaks"]}"}
    fi
    mapfile -t lines < <(command "${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    local -a found=()
    for line in "${lines[@]}"; do
        case $line in
            $'\tfiles\t'* | $'\tdirectories\t'*)
                skip=${line##*$'\t'}
                part=-f
                if [[ $line == $'\tdirectories'* ]]; then
                    part=-d
                fi
                while IFS= read -r file; do
                    if [[ -d $file ]]; then
                        file+=/
                    fi
                    found+=("${word:0:skip}$file")
                done < <(compgen "$part" -- "${word:skip}")
                ;;
            *)
                found+=("${line%%$'\t'*}")
                ;;
        esac
    done
    COMPREPLY=()
    for line in "${found[@]}"; do
        if [[ $line == *[/:=] ]]; then
            compopt -o nospace 2>/dev/null
        fi
        line=${line#"$done_with"}
        if [[ -z $quoted ]]; then
            printf -v line %q "$line"
        elif [[ $line == *[\\\$\`\"\'!]* ]]; then
            # Within quotes it would be more than a name.
            continue
        fi
        COMPREPLY+=("$line")
    done
}
complete -F _mstage mstage
)";

constexpr std::string_view k_zsh = R"(#compdef mstage
_mstage() {
    local -a lines plain plain_help open open_help
    local line word help
    lines=("${(@f)$(command "${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in $lines; do
        word=${line%%$'\t'*}
        help=${line#*$'\t'}
        if [[ -z $word ]]; then
            compset -P "${(b)PREFIX[1,${help#*$'\t'}]}"
            if [[ $help == directories* ]]; then
                _files -/
            else
                _files
            fi
        elif [[ $word == *[/:=] ]]; then
            open+=("$word") open_help+=("$word${help:+  -- $help}")
        else
            plain+=("$word") plain_help+=("$word${help:+  -- $help}")
        fi
    done
    (( $#plain )) && compadd -l -d plain_help -- $plain
    (( $#open )) && compadd -l -S '' -d open_help -- $open
}
if [[ $funcstack[1] == _mstage ]]; then
    _mstage "$@"
else
    compdef _mstage mstage
fi
)";

constexpr std::string_view k_fish = R"(# fish completion for mstage
function __mstage_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in (command $words[1] __complete $words[2..] "$word" 2>/dev/null)
        set -l fields (string split \t -- $line)
        if test -n "$fields[1]"
            printf '%s\n' $line
        else
            set -l start (string sub -l $fields[3] -- $word)
            set -l rest (string sub -s (math $fields[3] + 1) -- $word)
            set -l complete_names __fish_complete_path
            if test $fields[2] = directories
                set complete_names __fish_complete_directories
            end
            for name in ($complete_names $rest)
                printf '%s%s\n' "$start" $name
            end
        end
    end
end
complete -c mstage -f -a '(__mstage_complete)'
)";

struct Script {
    std::string_view shell;
    std::string_view text;
};
constexpr Script k_scripts[] = {{"bash", k_bash}, {"zsh", k_zsh}, {"fish", k_fish}};

}  // namespace

std::vector<std::string> shells() {
    std::vector<std::string> names;
    for (const Script& script : k_scripts) {
        names.emplace_back(script.shell);
    }
    return names;
}

int run_completion(const Arguments& arguments) {
    VerbParser parser("completion");
    std::string shell;
    parser.argument("SHELL", shell, "bash, zsh or fish", VerbParser::Needed::yes);
    parser.footer("For this shell session: source <(mstage completion bash)");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const auto script = std::ranges::find(k_scripts, shell, &Script::shell);
    if (script == std::end(k_scripts)) {
        throw with_hint(UsageError("there is no completion for shell '{}'", shell),
                        "mstage completion --help");
    }
    print(std::string(script->text));
    return k_good;
}

}  // namespace mstage::cli
