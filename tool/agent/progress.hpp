#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/job.hpp"

namespace mstage::agent {

/// Tells the last line of an output that comes in pieces, at most twice a second.
class Progress {
public:
    explicit Progress(const Report& report) : m_report(report) {}
    void add(std::string_view data);

private:
    const Report& m_report;
    std::string m_text;
    std::chrono::steady_clock::time_point m_told{};
};

}  // namespace mstage::agent
