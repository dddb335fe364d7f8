#include "agent/mcp/server.hpp"

#include <poll.h>

#include <algorithm>
#include <list>
#include <set>

#include "agent/fit.hpp"
#include "agent/mcp/completion.hpp"
#include "agent/mcp/connection.hpp"
#include "agent/mcp/message.hpp"
#include "agent/mcp/prompt_methods.hpp"
#include "agent/mcp/resources.hpp"
#include "agent/mcp/revision.hpp"
#include "agent/operation_queue.hpp"
#include "agent/output.hpp"
#include "agent/templates.hpp"
#include "agent/tools/check_arguments.hpp"
#include "agent/tools/operation_tools.hpp"
#include "agent/tools/tool_table.hpp"
#include "base/end_signals.hpp"
#include "base/uuid.hpp"

namespace mstage::agent {

namespace {

using Clock = OperationQueue::Clock;

constexpr auto k_heartbeat = std::chrono::seconds(5);  // of progress, when nothing is told
constexpr std::int64_t k_hour_ms = 3'600'000;

/// A request that waits for its answer.
struct Call {
    Json id;
    Era era;
    std::string method;
    std::optional<Json> progress_token{};
    /// These operations are to end first, …
    std::vector<std::string> operations{};
    std::set<std::string> unfinished{};  ///< of them
    enum class For { one, all, any } waits_for = For::one;
    std::optional<Clock::time_point> deadline{};
    bool time_was_up = false;
    bool is_own = true;  ///< the operation ends when the call is cancelled
    /// … and this is done then: it waits for its turn, and is in a process.
    Work work{};
    std::optional<Job> job{};
    OutputLimit limit{};
    Clock::time_point began = Clock::now();
    Clock::time_point told = Clock::now();
    double progress = 0;

    bool is_tool() const { return method == "tools/call"; }
};

std::string text_of(const Failure& failure) {
    constexpr size_t k_longest = 3000;  // it may quote what it was given
    std::string text = failure.message + (failure.hint.empty() ? "" : "\n" + failure.hint);
    if (text.size() > k_longest) {
        text = std::string(whole_characters(text.substr(0, k_longest / 2))) + "\n[...]\n" +
               failure.hint.substr(0, k_longest / 2);
    }
    return text;
}

Json tool_error(const Failure& failure) {
    const std::string text = text_of(failure);
    return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}, {"isError", true}};
}

class Server {
public:
    Server(const Settings& settings, int input, int output)
        : m_settings(settings), m_client(input, output), m_queue(settings) {}

    void run() {
        const EndSignals signals;
        while (!m_client.is_broken() && wait(signals)) {
            step();
        }
        m_calls.clear();
        m_queue.end_all();
    }

private:
    /// Until there is something to do. False when it is time to end.
    bool wait(const EndSignals& signals) {
        // Of what a client gets in one piece it still gets the end when it sends no more.
        if (m_last_moment &&
            (Clock::now() >= *m_last_moment || (!has_jobs() && !m_client.has_unsent()))) {
            return false;
        }
        std::vector<pollfd> fds = {{signals.fd(), POLLIN, 0},
                                   {m_last_moment ? -1 : m_client.input(), POLLIN, 0},
                                   {m_client.has_unsent() ? m_client.output() : -1, POLLOUT, 0}};
        for (const int fd : m_queue.fds()) {
            fds.push_back({fd, POLLIN, 0});
        }
        for (const Call& call : m_calls) {
            if (call.job) {
                fds.push_back({call.job->fd(), POLLIN, 0});
            }
        }
        if (::poll(fds.data(), fds.size(), milliseconds_to_wait()) < 0 && errno != EINTR) {
            throw SysError(errno, "poll");
        }
        if (fds[1].revents != 0 && !read_input()) {
            constexpr auto k_moment = std::chrono::seconds(2);
            m_last_moment = Clock::now() + k_moment;
        }
        if (fds[2].revents != 0) {
            m_client.flush();
        }
        return fds[0].revents == 0;
    }

    /// Short ones; operations are cancelled.
    bool has_jobs() const {
        return std::ranges::any_of(m_calls, [](const Call& call) { return call.job || call.work; });
    }

    int milliseconds_to_wait() const {
        std::optional<Clock::time_point> next = m_queue.next_deadline();
        const auto consider = [&](Clock::time_point time) {
            next = std::min(next.value_or(time), time);
        };
        if (m_last_moment) {
            consider(*m_last_moment);
        }
        for (const Call& call : m_calls) {
            if (call.deadline) {
                consider(*call.deadline);
            }
            if (call.progress_token) {
                consider(call.told + k_heartbeat);
            }
        }
        if (!next) {
            return -1;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
    }

    bool read_input() {
        const bool is_open = m_client.read();
        while (const auto line = m_client.next_line()) {
            handle_line(*line);
        }
        return is_open;
    }

    /// Until nothing has happened meanwhile: calls cancel operations, operations that have ended are
    /// waited for by calls.
    void step() {
        do {
            m_queue.step();
            for (const OperationQueue::Event& event : m_queue.take_events()) {
                if (event.line) {
                    tell_progress(event.id, *event.line);
                } else {
                    tell_end(event.id);
                }
            }
            for (auto call = m_calls.begin(); call != m_calls.end();) {
                call = is_answered(*call) ? m_calls.erase(call) : std::next(call);
            }
        } while (m_queue.has_news());
        start_jobs();
    }

    /// So many at a time: each is a process.
    void start_jobs() {
        constexpr std::ptrdiff_t k_most = 16;
        std::ptrdiff_t running =
            std::ranges::count_if(m_calls, [](const Call& call) { return call.job.has_value(); });
        for (Call& call : m_calls) {
            if (!call.work || running >= k_most) {
                continue;
            }
            try {
                call.job = Job::start(call.work);
                call.work = nullptr;
                ++running;
            } catch (const SysError&) {
                return;  // no process or descriptor is left: later, when others have ended
            }
        }
    }

    // --- Messages

    void respond(const Call& call, Json result) {
        if (call.era == Era::stateless) {
            result =
                complete_result(std::move(result), m_settings.version, lifetime_of(call.method));
        }
        m_client.send(make_response(call.id, std::move(result)));
    }

    static std::optional<std::int64_t> lifetime_of(const std::string& method) {
        if (method == "resources/list" || method == "resources/read") {
            return 0;
        }
        const bool is_fixed = method == "tools/list" || method == "prompts/list" ||
                              method == "resources/templates/list" || method == "server/discover";
        return is_fixed ? std::optional(k_hour_ms) : std::nullopt;
    }

    void handle_line(const LineReader::Line& line) {
        try {
            if (line.too_long) {
                throw ProtocolError(
                    k_invalid_request,
                    fmt::format("the message is longer than {} bytes", k_longest_message));
            }
            if (line.text.find_first_not_of(" \t") == std::string::npos) {
                return;
            }
            if (const auto message = parse_message(line.text)) {
                handle(*message);
            }
        } catch (const ProtocolError& error) {
            m_client.send(make_error(error.id, error));
        }
    }

    /// Whatever goes wrong with one request is no reason to leave the others.
    void handle(const Message& message) try {
        if (!message.is_request()) {
            if (message.method == "notifications/cancelled") {
                cancel_call(message.params.value("requestId", Json()));
            }
            return;
        }
        const auto same_id = [&](const Call& call) { return call.id == message.id; };
        if (std::ranges::any_of(m_calls, same_id)) {
            throw ProtocolError(k_invalid_request, "a request with this id waits for its answer");
        }
        Call call{.id = message.id, .era = era_of(message.params), .method = message.method};
        const Json meta = message.params.value("_meta", Json::object());
        if (const auto token = meta.find("progressToken");
            token != meta.end() && (token->is_string() || token->is_number_integer())) {
            call.progress_token = *token;
        }
        dispatch(std::move(call), message.params);
    } catch (const ProtocolError& error) {
        m_client.send(make_error(message.id, error));
    } catch (const std::exception& exception) {
        const ProtocolError error(k_internal_error, text_of(failure_of(exception)));
        m_client.send(make_error(message.id, error));
    }

    void dispatch(Call call, const Json& params) {
        if (call.era == Era::stateless ? answer_stateless(call) : answer_handshake(call, params)) {
            return;
        }
        const std::string& method = call.method;
        if (method.ends_with("/list") && params.contains("cursor")) {
            throw ProtocolError(k_invalid_params, "'cursor' is none of ours");
        }
        if (method == "tools/list") {
            Json tools = Json::array();
            for (const ToolDescription& tool : tool_descriptions()) {
                tools.push_back(tool.listed);
            }
            respond(call, {{"tools", std::move(tools)}});
        } else if (method == "prompts/list") {
            respond(call, list_prompts());
        } else if (method == "resources/templates/list") {
            respond(call, list_resource_templates());
        } else if (method == "tools/call") {
            call_tool(std::move(call), params);
        } else {
            begin_in_process(std::move(call), params);
        }
    }

    /// What takes a look at the store.
    void begin_in_process(Call call, const Json& params) {
        const std::string& method = call.method;
        if (method == "prompts/get") {
            const Json arguments = prompt_arguments(params);
            start(std::move(call),
                  [this, arguments](const Report&) { return get_prompt(m_settings, arguments); });
        } else if (method == "resources/list") {
            start(std::move(call), [this](const Report&) { return list_resources(m_settings); });
        } else if (method == "resources/read") {
            const std::string uri = string_member(params, "uri");
            start(std::move(call),
                  [this, uri](const Report&) { return read_resource(m_settings, m_queue, uri); });
        } else if (method == "completion/complete") {
            start(std::move(call), [this, params](const Report&) {
                return complete(m_settings, m_queue.files(), params);
            });
        } else {
            throw ProtocolError(k_method_not_found, fmt::format("method '{}' is unknown", method));
        }
    }

    bool answer_stateless(const Call& call) {
        if (call.method == "server/discover") {
            respond(call, {{"supportedVersions", supported_revisions()},
                           {"capabilities", capabilities()},
                           {"instructions", template_text("mcp/instructions.md")}});
            return true;
        }
        if (call.method == "subscriptions/listen") {
            // Nothing that we have changes by itself.
            m_client.send(
                make_notification("notifications/subscriptions/acknowledged",
                                  {{"_meta", {{"io.modelcontextprotocol/subscriptionId", call.id}}},
                                   {"notifications", Json::object()}}));
            return true;
        }
        return false;
    }

    bool answer_handshake(const Call& call, const Json& params) {
        if (call.method == "initialize") {
            m_initialized = true;
            respond(call, {{"protocolVersion", negotiate(string_member(params, "protocolVersion"))},
                           {"capabilities", capabilities()},
                           {"serverInfo", server_info(m_settings.version)},
                           {"instructions", template_text("mcp/instructions.md")}});
            return true;
        }
        if (call.method == "ping") {
            respond(call, Json::object());
            return true;
        }
        if (!m_initialized) {
            throw ProtocolError(k_invalid_params,
                                "neither was there an 'initialize' before, nor is there an "
                                "'io.modelcontextprotocol/protocolVersion' in '_meta'");
        }
        return false;
    }

    // --- Calls

    /// In a process, when it is its turn.
    void start(Call call, Work work) {
        call.work = std::move(work);
        m_calls.push_back(std::move(call));
    }

    void call_tool(Call call, const Json& params) {
        const std::string name = string_member(params, "name");
        const ToolDescription* tool = find_tool(name);
        if (tool == nullptr) {
            throw ProtocolError(k_invalid_params, fmt::format("tool '{}' is unknown", name));
        }
        Json arguments = params.value("arguments", Json());
        if (arguments.is_null()) {
            arguments = Json::object();
        }
        if (!arguments.is_object()) {
            throw ProtocolError(k_invalid_params, "'arguments' is no object");
        }
        try {
            arguments = checked_arguments(*tool, std::move(arguments));
        } catch (const Error& error) {
            respond(call, tool_error(failure_of(error)));
            return;
        }
        call_good_tool(std::move(call), name, arguments);
    }

    void call_good_tool(Call call, const std::string& name, const Json& arguments) {
        call.limit = json_find<size_t>(arguments, "truncate_output_at");
        if (const OperationTool* tool = find_operation_tool(name)) {
            const std::string id = m_queue.add(*tool, arguments);
            m_queue.step();
            if (json_get<bool>(arguments, "wait")) {
                wait_for(std::move(call), {id});
            } else {
                respond(call, tool_result(to_entry(*m_queue.find(id))));
            }
        } else if (const ToolFunction function = find_tool_function(name)) {
            start(std::move(call), [this, function, arguments](const Report&) {
                return function(m_settings, arguments);
            });
        } else if (name == "get_operation") {
            start(std::move(call), [this, arguments](const Report&) {
                return get_operation(m_settings, m_queue, arguments);
            });
        } else if (name == "list_operations") {
            start(std::move(call),
                  [this, arguments](const Report&) { return list_operations(m_queue, arguments); });
        } else {
            wait_for_operations(std::move(call), name, arguments);
        }
    }

    void wait_for_operations(Call call, const std::string& name, const Json& arguments) {
        std::vector<std::string> ids;
        if (name == "cancel_operation") {
            ids = {json_get<std::string>(arguments, "operation_id")};
        } else {
            ids = json_get<std::vector<std::string>>(arguments, "operation_ids");
            call.waits_for =
                json_get<std::string>(arguments, "mode") == "any" ? Call::For::any : Call::For::all;
            call.deadline =
                call.began +
                std::chrono::duration_cast<Clock::duration>(
                    std::chrono::duration<double>(json_get<double>(arguments, "timeout")));
        }
        for (std::string& id : ids) {
            const auto uuid = Uuid::parse(id);
            id = uuid ? uuid->str() : id;
            if (!m_queue.knows(id)) {
                respond(call, tool_error({fmt::format("operation '{}' is unknown", id),
                                          "list_operations shows the last ones"}));
                return;
            }
        }
        call.is_own = false;
        if (name == "cancel_operation") {
            m_queue.cancel(ids.front());
        }
        wait_for(std::move(call), {ids.begin(), ids.end()});
    }

    void wait_for(Call call, const std::set<std::string>& ids) {
        call.operations.assign(ids.begin(), ids.end());
        std::ranges::copy_if(ids, std::inserter(call.unfinished, call.unfinished.end()),
                             [&](const std::string& id) { return m_queue.is_unfinished(id); });
        m_calls.push_back(std::move(call));
    }

    /// Answers the call when it is time.
    bool is_answered(Call& call) {
        if (call.work) {
            return false;
        }
        if (!call.job) {
            go_on_waiting(call);
            return false;
        }
        if (call.job->take()) {
            return false;
        }
        if (call.job->answer()) {
            const Json& answer = *call.job->answer();
            respond(call, call.is_tool() ? tool_result(answer) : answer);
        } else if (call.is_tool()) {
            respond(call, tool_error(call.job->failure()));
        } else {
            m_client.send(
                make_error(call.id, ProtocolError(code_of(call), text_of(call.job->failure()))));
        }
        return true;
    }

    /// What was asked for cannot be had: mostly the asker's fault.
    static int code_of(const Call& call) {
        return call.method == "resources/read" && call.era == Era::handshake ? k_resource_not_found
                                                                             : k_invalid_params;
    }

    /// The answer to all that has ended takes its time, too.
    void go_on_waiting(Call& call) {
        if (call.unfinished.empty()) {
            call.deadline.reset();
            call.work = [this, ids = call.operations, waits_for = call.waits_for,
                         is_own = call.is_own, limit = call.limit,
                         time_was_up = call.time_was_up](const Report&) {
                return waits_for == Call::For::one
                           ? ended_answer(m_queue, ids.front(), is_own, limit)
                           : waited_answer(m_queue, ids, time_was_up, limit);
            };
            return;
        }
        if (call.deadline && Clock::now() >= *call.deadline) {
            call.time_was_up = true;
            call.deadline.reset();
        }
        const size_t ended = call.operations.size() - call.unfinished.size();
        if (call.time_was_up || (call.waits_for == Call::For::any && ended > 0)) {
            call.deadline.reset();
            for (const std::string& id : call.unfinished) {
                m_queue.cancel(id);
            }
        }
        if (call.progress_token && Clock::now() >= call.told + k_heartbeat) {
            const auto seconds = std::chrono::duration<double>(Clock::now() - call.began).count();
            send_progress(call,
                          call.waits_for == Call::For::one
                              ? fmt::format("{:.0f} s", seconds)
                              : fmt::format("{} of {} have ended", ended, call.operations.size()));
        }
    }

    void tell_end(const std::string& id) {
        for (Call& call : m_calls) {
            call.unfinished.erase(id);
        }
    }

    void cancel_call(const Json& id) {
        const auto call = std::ranges::find(m_calls, id, &Call::id);
        if (call == m_calls.end()) {
            return;
        }
        if (call->is_own && !call->operations.empty()) {
            m_queue.cancel(call->operations.front());
        }
        m_calls.erase(call);
    }

    void tell_progress(const std::string& operation, const std::string& line) {
        for (Call& call : m_calls) {
            if (call.progress_token && call.waits_for == Call::For::one &&
                call.unfinished.contains(operation)) {
                send_progress(call, line);
            }
        }
    }

    /// It has to grow each time.
    void send_progress(Call& call, const std::string& message) {
        call.told = Clock::now();
        const double seconds = std::chrono::duration<double>(call.told - call.began).count();
        call.progress = std::max(seconds, call.progress + 0.001);
        m_client.send(
            make_notification("notifications/progress", {{"progressToken", *call.progress_token},
                                                         {"progress", call.progress},
                                                         {"message", message}}));
    }

    const Settings& m_settings;
    Connection m_client;
    bool m_initialized = false;
    std::optional<Clock::time_point> m_last_moment{};  ///< the input has ended
    OperationQueue m_queue;
    std::list<Call> m_calls;
};

}  // namespace

void serve(const Settings& settings, int input, int output) {
    Server(settings, input, output).run();
}

}  // namespace mstage::agent
