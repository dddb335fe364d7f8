#pragma once

#include <string>

#include "base/json.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// The words in which a person asks for things of one pipeline, ready for a shell. `helper` is how
/// that person calls this program.
class ReportCommands {
public:
    ReportCommands(const std::string& helper, const Plan& plan);

    std::string verb(const std::string& words) const { return m_start + " " + words; }
    /// As short as it can be.
    std::string name(const std::string& checkpoint) const;
    /// `more` goes behind the checkpoint's name.
    std::string rollback(const std::string& checkpoint, const std::string& more = "") const;
    /// Those that the report has for a checkpoint, by name.
    Json of(const std::string& checkpoint, const std::string& from) const;

private:
    const Plan& m_plan;
    std::string m_start;
};

}  // namespace mstage::pipeline
