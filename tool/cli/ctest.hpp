#pragma once

#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace mstage::cli {

/// What CTest is told about a test besides its output. It takes these tags out of the output and
/// puts them into the Test.xml of `ctest -T Test`, for CDash. (3.21 and newer; older ones show them,
/// JUnit files have no place for them.)
class CTestReport {
public:
    void number(const std::string& name, double value);
    void text(const std::string& name, const std::string& value);
    /// One run's numbers and ids, by the names that they have in its record.
    void run(const engine::RunResult& result);
    /// Sends the file along, unless it is empty or longer than is good for who reads it.
    void attach(const std::string& name, const std::filesystem::path& file);

    /// To stderr, after all other output, and only to CTest: a test launcher is also asked for the
    /// tests that a program has. No newline before or after, so that what is left of the output is
    /// what the test wrote, byte for byte.
    void print() const;

private:
    std::string m_tags;
};

}  // namespace mstage::cli
