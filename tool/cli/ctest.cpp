#include "cli/ctest.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/fd.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

/// CTest reads it whole, packs it and writes it into an XML file.
constexpr std::uintmax_t k_longest_attachment = 16 * 1024 * 1024;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

void CTestReport::number(const std::string& name, double value) {
    m_tags += fmt::format(
        R"(<CTestMeasurement type="numeric/double" name="{}">{}</CTestMeasurement>)", name, value);
}

void CTestReport::text(const std::string& name, const std::string& value) {
    m_tags += fmt::format(R"(<CTestMeasurement type="text/string" name="{}">{}</CTestMeasurement>)",
                          name, value);
}

void CTestReport::run(const engine::RunResult& result) {
    const engine::Usage& usage = result.outcome.usage;
    number("wall_s", seconds(usage.wall));
    number("user_s", seconds(usage.user));
    number("system_s", seconds(usage.system));
    number("peak_memory_bytes", static_cast<double>(usage.peak_memory));
    text("run", result.run.str());
}

void CTestReport::attach(const std::string& name, const fs::path& file) {
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(file, missing);
    // CTest takes the path as it stands there, and for its end the first '<'.
    if (missing || size == 0 || size > k_longest_attachment ||
        file.native().find('<') != std::string::npos) {
        return;
    }
    m_tags +=
        fmt::format(R"(<CTestMeasurementFile type="file" name="{}">{}</CTestMeasurementFile>)",
                    name, file.native());
}

void CTestReport::print() const {
    // One of these CTest sets for what it starts: the second when it works for a dashboard.
    if (std::getenv("CTEST_INTERACTIVE_DEBUG_MODE") != nullptr ||
        std::getenv("DASHBOARD_TEST_FROM_CTEST") != nullptr) {
        write_all(STDERR_FILENO, m_tags);
    }
}

}  // namespace mstage::cli
