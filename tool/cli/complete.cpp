// What the scripts of `mstage completion` ask: `mstage __complete WORD...`, the words after the
// program's name up to the cursor, the last of them perhaps empty. The answer is lines:
//
//   WORD <tab> HELP            a word that may stand there
//   <tab>files <tab> N         names of files, behind the first N characters of the word
//   <tab>directories <tab> N   the same for directories
//
// Nobody wants to read a message in the middle of a command line: what goes wrong is no answer.

#include <algorithm>

#include "base/text.hpp"
#include "cli/candidates.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

const OptionDescription* find_option(const std::vector<OptionDescription>& options,
                                     const std::string& name) {
    const auto has_name = [&](const OptionDescription& option) {
        return std::ranges::find(option.names, name) != option.names.end();
    };
    const auto option = std::ranges::find_if(options, has_name);
    return option == options.end() ? nullptr : &*option;
}

/// How far the words before the cursor have come.
struct Progress {
    const OptionDescription* pending = nullptr;  ///< still wants its value
    std::vector<std::string> arguments;
    bool only_arguments = false;  ///< "--" was there
};

class Reader {
public:
    Reader(const std::vector<OptionDescription>& options, std::filesystem::path& directory)
        : m_options(options), m_directory(directory) {}

    /// False at a word that is neither an option nor the value of one.
    bool read(const std::string& word) {
        if (progress.pending != nullptr) {
            if (progress.pending->names.front() == "-C") {
                m_directory = word;
            }
            progress.pending = nullptr;
        } else if (word == "--") {
            progress.only_arguments = true;
        } else if (progress.only_arguments || word.size() < 2 || !word.starts_with('-')) {
            progress.arguments.push_back(word);
            return false;
        } else if (const auto* option = find_option(m_options, word); option != nullptr) {
            progress.pending = option->value.empty() ? nullptr : option;
        }
        return true;
    }

    Progress progress;

private:
    const std::vector<OptionDescription>& m_options;
    std::filesystem::path& m_directory;
};

Candidates option_names(const std::vector<OptionDescription>& options, const std::string& text) {
    Candidates found;
    for (const OptionDescription& option : options) {
        for (const std::string& name : option.names) {
            if (name.starts_with(text)) {
                found.words.push_back({name, option.help});
            }
        }
    }
    return found;
}

Candidates verb_names(const std::string& text) {
    Candidates found;
    for (const Verb& verb : verbs()) {
        if (verb.listed == Listed::yes && std::string_view(verb.name).starts_with(text)) {
            found.words.push_back({verb.name, verb.summary});
        }
    }
    return found;
}

/// The value in "--option=value".
Candidates attached_value(const std::vector<OptionDescription>& options, const std::string& text,
                          size_t equals, const std::filesystem::path& directory) {
    const OptionDescription* option = find_option(options, text.substr(0, equals));
    if (option == nullptr) {
        return {};
    }
    Candidates found = candidates_for(option->value, text.substr(equals + 1), directory);
    for (Candidate& candidate : found.words) {
        candidate.word.insert(0, text, 0, equals + 1);
    }
    found.prefix += equals + 1;
    return found;
}

/// "IMAGE:PATH DESTINATION" is one argument to the parser: what may be given several times, and
/// what comes last.
Candidates argument(const VerbDescription& verb, const std::vector<std::string>& before,
                    const std::string& text, const std::filesystem::path& directory) {
    const size_t place = before.size();
    const bool is_more = !verb.arguments.empty() && verb.arguments.back().several;
    if (place >= verb.arguments.size() && !is_more) {
        return {};
    }
    const ArgumentDescription& taken = verb.arguments[std::min(place, verb.arguments.size() - 1)];
    const std::vector<std::string> kinds = split(taken.name, ' ');
    Candidates found = candidates_for(kinds.front(), text, directory, before);
    if (kinds.size() > 1 && place >= verb.arguments.size()) {
        const Candidates last = candidates_for(kinds.back(), text, directory);
        found.words.insert(found.words.end(), last.words.begin(), last.words.end());
        found.files = last.files;
    }
    return found;
}

Candidates complete_verb(const VerbDescription& verb, const Arguments& before,
                         const std::string& text, std::filesystem::path directory) {
    Reader reader(verb.options, directory);
    for (const std::string& word : before) {
        reader.read(word);
    }
    const Progress& progress = reader.progress;
    if (progress.pending != nullptr) {
        return candidates_for(progress.pending->value, text, directory);
    }
    const bool is_command =
        verb.command_follows && progress.arguments.size() > verb.arguments.size();
    if (text.starts_with('-') && !progress.only_arguments && !is_command) {
        const size_t equals = text.find('=');
        return equals == std::string::npos ? option_names(verb.options, text)
                                           : attached_value(verb.options, text, equals, directory);
    }
    return argument(verb, progress.arguments, text, directory);
}

Candidates complete(const Arguments& words) {
    const std::string& text = words.back();
    std::filesystem::path directory = ".";
    Reader reader(general_options(), directory);
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        if (!reader.read(words[i])) {
            const auto verb = std::ranges::find(verbs(), words[i], &Verb::name);
            if (verb == verbs().end() || verb->listed == Listed::no) {
                return {};
            }
            const auto first = words.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            return complete_verb(describe(*verb), Arguments(first, words.end() - 1), text,
                                 directory);
        }
    }
    if (reader.progress.pending != nullptr) {
        return candidates_for(reader.progress.pending->value, text, directory);
    }
    return text.starts_with('-') ? option_names(general_options(), text) : verb_names(text);
}

/// A name that would be two lines, or steer the terminal, is none that anybody types.
bool is_plain(const std::string& word) {
    return word.find_first_of("\n\t") == std::string::npos && escape_control(word) == word;
}

std::string answer(const Candidates& found) {
    std::string text;
    for (const Candidate& candidate : found.words) {
        if (is_plain(candidate.word) && is_plain(candidate.help)) {
            text += candidate.word + "\t" + candidate.help + "\n";
        }
    }
    if (found.files != Candidates::Files::none) {
        const bool all = found.files == Candidates::Files::all;
        text += fmt::format("\t{}\t{}\n", all ? "files" : "directories", found.prefix);
    }
    return text;
}

}  // namespace

int run_complete(const Arguments& arguments) {
    try {
        print(answer(complete(arguments.empty() ? Arguments{""} : arguments)));
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): see above
    }
    return k_good;
}

}  // namespace mstage::cli
