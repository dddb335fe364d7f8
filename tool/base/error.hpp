#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace mstage {

/// Something that was asked for could not be done. The message says what was tried on which operand
/// and why it failed; callers add what they were doing with add_context(), so that the text reads
/// as a path of verbs: "importing 'rootfs:a.tar': entry 'x': ...". Only main() prints errors.
class Error : public std::exception {
public:
    template <typename... Args>
    explicit Error(fmt::format_string<Args...> format, Args&&... args)
        : m_message(fmt::format(format, std::forward<Args>(args)...)) {}

    const char* what() const noexcept override { return m_message.c_str(); }
    const std::string& message() const noexcept { return m_message; }

    /// The remedy, when we know one; empty otherwise. Printed indented below the message.
    const std::string& hint() const noexcept { return m_hint; }
    void set_hint(std::string hint) { m_hint = std::move(hint); }

    void add_context(std::string_view context) {
        m_message = fmt::format("{}: {}", context, m_message);
    }

protected:
    struct Raw {};
    Error(Raw, std::string message) : m_message(std::move(message)) {}

private:
    std::string m_message;
    std::string m_hint;
};

/// A system call failed; the text of errno is appended to the message. The number comes first in
/// the parameter list because formatting the rest may change errno.
class SysError : public Error {
public:
    template <typename... Args>
    explicit SysError(int number, fmt::format_string<Args...> format, Args&&... args)
        : Error(Raw{}, fmt::format(format, std::forward<Args>(args)...) + ": " + describe(number)),
          m_number(number) {}

    int number() const noexcept { return m_number; }

private:
    static std::string describe(int number);
    int m_number;
};

/// The command line, a plan or an argument is wrong: exit code 2.
class UsageError : public Error {
public:
    using Error::Error;
};

/// `throw with_hint(Error("..."), "try ...")` keeps the exception's own type.
template <typename E>
E with_hint(E error, std::string hint) {
    static_assert(std::is_base_of_v<Error, E>);
    error.set_hint(std::move(hint));
    return error;
}

/// Runs `body`; an Error on its way out gets `context` in front of its message.
template <typename F>
decltype(auto) with_context(std::string_view context, F&& body) {
    try {
        return std::forward<F>(body)();
    } catch (Error& error) {
        error.add_context(context);
        throw;
    }
}

}  // namespace mstage
