#include "pipeline/report/report_commands.hpp"

#include "base/text.hpp"

namespace mstage::pipeline {

ReportCommands::ReportCommands(const std::string& helper, const Plan& plan)
    : m_plan(plan),
      m_start(fmt::format("{} -C {}", shell_quote(helper), shell_quote(plan.build_dir.native()))) {
    if (plan.config) {
        m_start += " --config " + shell_quote(*plan.config);
    }
}

std::string ReportCommands::name(const std::string& checkpoint) const {
    return m_plan.is_default ? checkpoint : m_plan.pipeline + "." + checkpoint;
}

std::string ReportCommands::rollback(const std::string& checkpoint, const std::string& more) const {
    return verb("rollback " + name(checkpoint) + more);
}

Json ReportCommands::of(const std::string& checkpoint, const std::string& from) const {
    const std::string point = name(checkpoint);
    return {{"build", m_plan.build_command(checkpoint)},
            {"rollback", rollback(checkpoint)},
            {"shell", verb("shell " + point)},
            {"look", verb("shell " + point + "@failed")},
            {"diff", from.empty() ? Json() : Json(verb("diff " + name(from) + " " + point))}};
}

}  // namespace mstage::pipeline
