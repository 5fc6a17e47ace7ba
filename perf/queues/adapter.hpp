// SPDX-License-Identifier: MIT
// The functions of a queue written in C++, made from two classes:
//
//	struct channel {
//		channel(std::size_t capacity, unsigned senders, unsigned receivers);
//	};
//	struct side {
//		side(channel &channel, bool sends);
//		std::size_t send(const message *messages, std::size_t count);
//		std::size_t receive(message *ret_messages, std::size_t count);
//	};
//
// What a constructor throws is the answer that the queue cannot be had. A side may have
// send_waiting() and receive_waiting() as well. adapter<channel, side>::described() is the
// queue, to be defined in extern "C".
//
// A queue without anything of a thread's own needs but one_channel as its side's base.
#ifndef ARENA_ADAPTER_HPP
#define ARENA_ADAPTER_HPP

#include "core/perf.h"

#include <cerrno>
#include <cstddef>
#include <new>

template <typename Channel>
struct one_channel {
	Channel &mine;

	one_channel(Channel &channel, bool) : mine(channel) {}
};

template <typename Channel, typename Side>
struct adapter {
	static constexpr struct queue described(const char *name, const char *origin,
		unsigned int flags, std::size_t batch_max)
	{
		struct queue queue = {};

		queue.name = name;
		queue.origin = origin;
		queue.carries = "56 bytes";
		queue.flags = flags;
		queue.batch_max = batch_max;
		queue.create = create;
		queue.destroy = destroy;
		queue.attach = attach;
		queue.detach = detach;
		queue.send = send;
		queue.receive = receive;
		if constexpr (requires { &Side::send_waiting; }) {
			queue.send_waiting = send_waiting;
			queue.receive_waiting = receive_waiting;
		}
		return queue;
	}

	static void *create(std::size_t capacity, unsigned int senders, unsigned int receivers)
	{
		try {
			return new Channel(capacity, senders, receivers);
		} catch (const std::bad_alloc &) {
			errno = ENOMEM;
		} catch (...) {
			errno = EINVAL;
		}
		return nullptr;
	}

	static void destroy(void *queue)
	{
		delete static_cast<Channel *>(queue);
	}

	static void *attach(void *queue, bool sends)
	{
		return new Side(*static_cast<Channel *>(queue), sends);
	}

	static void detach(void *side)
	{
		delete static_cast<Side *>(side);
	}

	static std::size_t send(void *side, const message *messages, std::size_t count)
	{
		return static_cast<Side *>(side)->send(messages, count);
	}

	static std::size_t receive(void *side, message *ret_messages, std::size_t count)
	{
		return static_cast<Side *>(side)->receive(ret_messages, count);
	}

	static void send_waiting(void *side, const message *message)
	{
		static_cast<Side *>(side)->send_waiting(*message);
	}

	static void receive_waiting(void *side, message *ret_message)
	{
		static_cast<Side *>(side)->receive_waiting(*ret_message);
	}
};

#endif
