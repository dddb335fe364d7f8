#include <algorithm>

#include "agent/markdown.hpp"
#include "agent/prompts.hpp"
#include "agent/templates.hpp"
#include "base/template.hpp"
#include "base/text.hpp"
#include "pipeline/failure_report.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/report/report_commands.hpp"
#include "pipeline/status.hpp"

namespace mstage::agent {

namespace {

using pipeline::CheckpointState;
using pipeline::CheckpointStatus;
using pipeline::Stage;

// Whoever reads the instructions pays for each word.
constexpr size_t k_shown_lines = 12;
constexpr size_t k_shown_columns = 400;
constexpr size_t k_listed_tests = 12;

/// As code, without control characters, and cut where it is long.
std::string shown(const std::string& text) {
    std::vector<std::string> lines = split(cut_lines(escape_control(text), k_shown_columns), '\n');
    const size_t count = lines.size();
    if (count > k_shown_lines) {
        lines.resize(k_shown_lines);
        lines.push_back(fmt::format("… ({} more lines: see the plan)", count - k_shown_lines));
    }
    std::string kept;
    for (const std::string& line : lines) {
        kept += (kept.empty() ? "" : "\n") + line;
    }
    return as_code(kept);
}

std::string shown_list(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) {
        list += (list.empty() ? "" : ", ") + shown(text);
    }
    return list;
}

/// A line of a list below a numbered item.
std::string point(const std::string& text) {
    return "   - " + text + (text.ends_with('\n') ? "" : "\n");
}

/// One pipeline, its state looked up once.
class PipelinePrompt {
public:
    PipelinePrompt(engine::Engine& engine, const pipeline::BuildTree& tree,
                   const pipeline::Plan& plan, const std::string& helper)
        : m_engine(engine), m_plan(plan), m_commands(helper, plan) {
        for (CheckpointStatus& status : pipeline::status_of(engine, tree)) {
            if (status.pipeline == plan.pipeline && status.config == plan.config) {
                m_statuses.push_back(std::move(status));
            }
        }
    }

    std::string text() const {
        const std::string example = example_of_failure();
        return fill_template(template_text("pipeline-prompt.md"),
                             {{"pipeline", shown(m_plan.pipeline)},
                              {"facts", facts()},
                              {"status", command("status")},
                              {"stages", stages()},
                              {"build", builds()},
                              {"why", command("why " + example)},
                              {"tests", tests()},
                              {"look", command("run " + example + "@failed -c 'ls -la'")},
                              {"cat", command("cat " + example + "@failed:/PATH")},
                              {"rollback", ways_back()},
                              {"history", command("history " + example)}});
    }

private:
    /// One of ours, whole, for it is to be run.
    std::string command(const std::string& words) const { return as_code(m_commands.verb(words)); }

    /// What has failed, or else is likely to.
    std::string example_of_failure() const {
        const auto failed = std::ranges::find_if(
            m_statuses, [](const CheckpointStatus& status) { return status.failure.has_value(); });
        if (failed != m_statuses.end()) {
            return m_commands.name(failed->checkpoint);
        }
        return m_commands.name(m_plan.stages.empty() ? pipeline::k_setup_base : ends().front());
    }

    std::string facts() const {
        std::string text =
            fmt::format("- Build tree: {}\n- Source: {}, in stages at {}", shown(m_plan.build_dir),
                        shown(m_plan.source), shown(m_plan.workdir));
        if (!m_plan.exclude.empty()) {
            text += ", without " + shown_list(m_plan.exclude);
        }
        if (m_plan.config) {
            text += "\n- Configuration: " + shown(*m_plan.config);
        }
        if (m_plan.engine != "local") {
            text += "\n- Engine: " + shown(m_plan.engine);
        }
        return text + "\n- Plan, with all details: " + shown(m_plan.path);
    }

    std::string stages() const {
        std::string text;
        for (size_t i = 0; i < m_statuses.size(); ++i) {
            const CheckpointStatus& status = m_statuses[i];
            const Stage* stage = m_plan.stage_of_checkpoint(status.checkpoint);
            const std::string maker =
                stage == nullptr ? "" : fmt::format(", from `{}`", stage->from);
            text += fmt::format("{}. `{}`{}: {}\n", i + 1, status.checkpoint, maker, state(status));
            text += stage == nullptr ? point("base: " + shown(m_plan.base)) : stage_points(*stage);
            text += point("build it: " + as_code(m_plan.build_command(status.checkpoint)));
            text += rule(status) + failure_points(status);
        }
        text.pop_back();
        return text;
    }

    std::string stage_points(const Stage& stage) const {
        std::string text = point("command: " + shown(stage.command));
        text += point("source files: " +
                      (!stage.inputs           ? "all"
                       : stage.inputs->empty() ? "none"
                                               : shown_list(*stage.inputs)) +
                      (stage.exclude.empty() ? "" : ", without " + shown_list(stage.exclude)));
        for (const pipeline::StageCopy& copy : stage.copies) {
            text += point(
                fmt::format("joins: {} of {}{}", shown(copy.path), shown(source_of(copy)),
                            copy.destination.empty() ? "" : ", as " + shown(copy.destination)));
        }
        const std::string settings = settings_of(stage);
        return settings.empty() ? text : text + point(settings);
    }

    static std::string source_of(const pipeline::StageCopy& copy) {
        return copy.plan ? pipeline::read_plan(*copy.plan).full_name(copy.checkpoint)
                         : copy.checkpoint;
    }

    /// What differs from what every stage has.
    std::string settings_of(const pipeline::Task& task) const {
        std::vector<std::string> settings;
        for (const auto& [name, value] : task.environment) {
            settings.push_back(shown(name + "=" + value));
        }
        if (task.workdir != m_plan.workdir) {
            settings.push_back("in " + shown(task.workdir));
        }
        if (!task.user.empty()) {
            settings.push_back("as user " + shown(task.user));
        }
        if (!task.network) {
            settings.emplace_back("network off");
        }
        if (task.timeout.count() > 0) {
            settings.push_back(fmt::format("time-out {} s", task.timeout.count()));
        }
        for (const engine::Cache& cache : task.caches) {
            settings.push_back("cache " + shown(cache.path));
        }
        for (const pipeline::SecretSource& secret : task.secrets) {
            settings.push_back("secret " + shown("/run/secrets/" + secret.id));
        }
        std::string text;
        for (const std::string& setting : settings) {
            text += (text.empty() ? "with: " : ", ") + setting;
        }
        return text;
    }

    std::string state(const CheckpointStatus& status) const {
        std::string text = std::string("**") + to_string(status.state) + "**";
        if (status.image) {
            text += ", image `" + status.image->id.str() + "`";
        }
        if (status.lost_image) {
            text += ", its image `" + status.lost_image->str() + "` is not in the store";
        }
        if (status.state == CheckpointState::pinned) {
            text += ", let go with " +
                    command("rollback --unpin " + m_commands.name(status.checkpoint));
        } else if (status.next != pipeline::Action::keep) {
            text += fmt::format(" (next build: {})", to_string(status.next));
        }
        return text + (status.running ? "; it is being made at the moment" : "");
    }

    /// Where to go on from when the stage fails.
    std::string rule(const CheckpointStatus& status) const {
        if (status.from.empty()) {
            return point("if it fails: stop; there is nothing to go back to");
        }
        std::string earlier;
        for (const Stage* stage = m_plan.stage_of_checkpoint(status.from); stage != nullptr;
             stage = m_plan.stage_of_checkpoint(stage->from)) {
            earlier += (earlier.empty() ? "; further back: `" : ", `") + stage->from + "`";
        }
        return point(fmt::format("if it fails: stop; resume from `{}`{}", status.from, earlier));
    }

    std::string failure_points(const CheckpointStatus& status) const {
        if (status.state != CheckpointState::failed) {
            return "";
        }
        const auto failure =
            status.failure ? pipeline::read_failure(m_plan, status.checkpoint) : std::nullopt;
        if (!failure) {
            return point("its last attempt failed; of what it left nothing is kept");
        }
        const std::string name = m_commands.name(status.checkpoint) + "@failed";
        return point(fmt::format("its last attempt {}; failed state `{}`: {}", end_of(*failure),
                                 failure->state.str(), command("run " + name + " -c 'ls -la'"))) +
               point("its log, with report.json beside it: " +
                     shown((m_engine.run_directory(failure->run) / "output.log").native()));
    }

    std::string end_of(const pipeline::Failure& failure) const {
        const auto record = m_engine.find_run(failure.run);
        return record ? pipeline::describe_end(record->outcome, record->timeout) : "failed";
    }

    /// The checkpoints that nothing of the pipeline is made from.
    std::vector<std::string> ends() const {
        std::vector<std::string> names;
        for (const Stage& stage : m_plan.stages) {
            if (!is_used(stage.checkpoint)) {
                names.push_back(stage.checkpoint);
            }
        }
        return names;
    }

    bool is_used(const std::string& checkpoint) const {
        return std::ranges::any_of(m_plan.stages, [&](const Stage& stage) {
            return stage.from == checkpoint ||
                   std::ranges::any_of(stage.copies, [&](const pipeline::StageCopy& copy) {
                       return !copy.plan && copy.checkpoint == checkpoint;
                   });
        });
    }

    std::string builds() const {
        std::string text;
        for (const std::string& checkpoint : ends()) {
            text += fmt::format("- `{}`, and all before it: {}\n", checkpoint,
                                as_code(m_plan.build_command(checkpoint)));
        }
        return text + "- everything: " +
               as_code(fmt::format("{} {}.checkpoints", m_plan.build_tool, m_plan.pipeline));
    }

    std::string tests() const {
        if (m_plan.tests.empty()) {
            return "There are none.";
        }
        std::string text = "Each is run on a throw-away copy; CTest builds what it needs.\n\n";
        const size_t count = std::min(m_plan.tests.size(), k_listed_tests);
        for (size_t i = 0; i < count; ++i) {
            const pipeline::Test& test = m_plan.tests[i];
            text += fmt::format("- `{}` on `{}`: {}\n", test.name, test.from,
                                as_code(pipeline::test_command(m_plan, test)));
            text += point("command: " + shown(test.command));
            const std::string settings = settings_of(test);
            text += settings.empty() ? "" : point(settings);
        }
        if (m_plan.tests.size() > count) {
            text += fmt::format(
                "- and {} more: {}\n", m_plan.tests.size() - count,
                as_code("ctest -N --test-dir " + shell_quote(m_plan.build_dir.native())));
        }
        text.pop_back();
        return text;
    }

    std::string ways_back() const {
        std::string text;
        const std::vector<std::string> at_end = ends();
        for (const CheckpointStatus& status : m_statuses) {
            if (std::ranges::find(at_end, status.checkpoint) == at_end.end()) {
                text += fmt::format(
                    "- to `{}`{}; what is made from it is dropped, and runs again in the "
                    "next build: {}\n",
                    status.checkpoint, status.image ? "" : ", once it is built",
                    as_code(m_commands.rollback(status.checkpoint)));
            }
        }
        const std::string example =
            m_plan.stages.empty() ? pipeline::k_setup_base : m_plan.stages.front().checkpoint;
        return text + fmt::format(
                          "- a checkpoint as it was before, pinned (also with a UUID or an age, as "
                          "`2h`, for `@-1`): {}\n- take back the last rollback: {}",
                          as_code(m_commands.rollback(example, " --to @-1")),
                          command("rollback --undo"));
    }

    engine::Engine& m_engine;
    const pipeline::Plan& m_plan;
    pipeline::ReportCommands m_commands;
    std::vector<CheckpointStatus> m_statuses;
};

}  // namespace

std::string pipeline_prompt(engine::Engine& engine, const pipeline::BuildTree& tree,
                            const pipeline::Plan& plan, const std::string& helper) {
    return PipelinePrompt(engine, tree, plan, helper).text();
}

}  // namespace mstage::agent
