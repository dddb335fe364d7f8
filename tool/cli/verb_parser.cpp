#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "cli/verb_description.hpp"

namespace mstage::cli {

namespace {

/// Where read() leaves what its parser knows, instead of reading anything, while describe() is at
/// work: the verbs themselves need not know of it.
VerbDescription* g_wanted = nullptr;

OptionDescription describe_option(const CLI::Option& option) {
    OptionDescription description;
    for (const std::string& name : option.get_snames()) {
        description.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        description.names.push_back("--" + name);
    }
    if (option.get_items_expected_max() > 0) {
        const std::string& text = option.get_option_text();
        description.value = text.empty() ? option.get_type_name() : text;
    }
    description.help = option.get_description();
    description.heading = option.get_group();
    return description;
}

ArgumentDescription describe_argument(const CLI::Option& option) {
    return {.name = option.get_name(),
            .help = option.get_description(),
            .needed = option.get_required(),
            .several = option.get_items_expected_max() > 1};
}

VerbDescription describe_app(const CLI::App& app, bool command_follows) {
    VerbDescription description;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_positional()) {
            description.arguments.push_back(describe_argument(*option));
        } else {
            description.options.push_back(describe_option(*option));
        }
    }
    description.command_follows = command_follows;
    description.footer = app.get_footer();
    return description;
}

}  // namespace

VerbDescription describe(const Verb& verb) {
    struct Asking {
        explicit Asking(VerbDescription& wanted) { g_wanted = &wanted; }
        ~Asking() { g_wanted = nullptr; }
        Asking(const Asking&) = delete;
        Asking& operator=(const Asking&) = delete;
    };
    VerbDescription description;
    const Asking asking(description);
    verb.run({});
    return description;
}

struct VerbParser::Parser {
    explicit Parser(const std::string& name) : app("", name) {}
    CLI::App app;
    std::string heading = "Options";
    std::vector<std::string>* rest = nullptr;
};

VerbParser::VerbParser(const std::string& verb)
    : m_parser(std::make_unique<Parser>("mstage " + verb)) {
    for (const Verb& entry : verbs()) {
        if (entry.name == verb) {
            m_parser->app.description(entry.summary);
        }
    }
    m_parser->app.add_option("-C", common.directory, "Stand in this directory (a build tree)")
        ->type_name("DIR");
    m_parser->app
        .add_option("--config", common.config, "Of a build tree with several: this configuration")
        ->type_name("CONFIG");
}

VerbParser::~VerbParser() = default;

void VerbParser::argument(const std::string& name, std::string& value, const std::string& help,
                          Needed needed) {
    m_parser->app.add_option(name, value, help)->type_name("")->required(needed == Needed::yes);
}

void VerbParser::arguments(const std::string& name, std::vector<std::string>& values,
                           const std::string& help, Needed needed) {
    m_parser->app.add_option(name, values, help)->type_name("")->required(needed == Needed::yes);
}

void VerbParser::rest(std::vector<std::string>& words) {
    m_parser->app.prefix_command();
    m_parser->rest = &words;
}

void VerbParser::option(const std::string& names, const std::string& type, std::string& value,
                        const std::string& help) {
    m_parser->app.add_option(names, value, help)->option_text(type)->group(m_parser->heading);
}

void VerbParser::option_or_flag(const std::string& names, const std::string& type,
                                std::optional<std::string>& value, const std::string& help) {
    m_parser->app
        .add_option_function<std::string>(
            names, [&value](const std::string& text) { value = text; }, help)
        ->expected(0, 1)
        ->option_text("[" + type + "]")
        ->group(m_parser->heading);
}

void VerbParser::options(const std::string& names, const std::string& type,
                         std::vector<std::string>& values, const std::string& help) {
    // One value each: the next word may be an argument.
    m_parser->app.add_option(names, values, help)
        ->option_text(type)
        ->group(m_parser->heading)
        ->allow_extra_args(false);
}

void VerbParser::seconds(const std::string& names, double& value, const std::string& help) {
    m_parser->app.add_option(names, value, help)
        ->option_text("TIME")
        ->group(m_parser->heading)
        ->transform([](std::string text) {
            const std::map<char, double> units = {{'s', 1}, {'m', 60}, {'h', 3600}};
            const auto unit = text.empty() ? units.end() : units.find(text.back());
            double number = 0;
            const std::string digits = unit == units.end() ? text : text.substr(0, text.size() - 1);
            if (!CLI::detail::lexical_cast(digits, number) || number < 0) {
                throw CLI::ValidationError(
                    "'" + text + "' is no time: a number of seconds, or with 's', 'm' or 'h'");
            }
            return fmt::format("{}", number * (unit == units.end() ? 1 : unit->second));
        });
}

void VerbParser::flag(const std::string& names, bool& value, const std::string& help) {
    m_parser->app.add_flag(names, value, help)->group(m_parser->heading);
}

void VerbParser::group(const std::string& heading) {
    m_parser->heading = heading;
}

void VerbParser::needs(const std::string& name, const std::string& other) {
    m_parser->app.get_option(name)->needs(m_parser->app.get_option(other));
}

void VerbParser::footer(const std::string& text) {
    m_parser->app.footer(text);
}

bool VerbParser::read(const Arguments& arguments) {
    CLI::App& app = m_parser->app;
    if (g_wanted != nullptr) {
        *g_wanted = describe_app(app, m_parser->rest != nullptr);
        return false;
    }
    try {
        // CLI11 takes them from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        app.parse(reversed);
        if (m_parser->rest != nullptr) {
            *m_parser->rest = app.remaining();
        }
        return true;
    } catch (const CLI::CallForHelp&) {
        print(app.help());
        return false;
    } catch (const CLI::ParseError& error) {
        throw with_hint(UsageError("{}: {}", app.get_name(), error.what()),
                        app.get_name() + " --help");
    }
}

}  // namespace mstage::cli
