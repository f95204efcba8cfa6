#!/bin/sh
# A bot in POSIX sh: connects to the gateway, and answers every event that it wins. Run it with: sh bot.sh
cd "$(dirname "$0")" && . ./rollout.sh
kept='' count=0 due=0 quiet=0 ticks=0 # events of about the last 30 s, while another instance answers
work=$(mktemp -d)
mkfifo "$work/lines" "$work/answers"
trap 'exit 0' TERM
rollout_join

answer_kept() {
  while [ "$role" = ACTIVE ] && [ -n "$kept" ]; do
    number=${kept%% *} kept=${kept#* } count=$((count - 1))
    if rollout_claim "event:$number" || [ "$claim" = UNAVAILABLE ]; then echo "ANSWER $number" >&5; fi
  done
}

# What only this instance has seen is its own, until it gets an event that the other has, or no more come: every 100 ms,
# what was kept at the last tick, so that the other has a head start.
settle() {
  while [ "$role" = DRAINING ] && [ $in_flight = 1 ] && [ "$due" -gt 0 ] && [ -n "$kept" ]; do
    number=${kept%% *} kept=${kept#* } count=$((count - 1)) due=$((due - 1)) quiet=0
    if rollout_claim "event:$number" || [ "$claim" = UNAVAILABLE ]; then echo "ANSWER $number" >&5; else in_flight=0; fi
  done
  due=$count quiet=$((quiet + 1))
  [ "$count" -eq 0 ] && [ $is_ready = 1 ] || quiet=0
  [ "$role" = DRAINING ] && [ $quiet -ge 10 ] || return 0
  quiet=0 # else there were events, and none came here: it is behind
  rollout_others_won 1000 || in_flight=0
}

# the gateway's lines and a tick every 100 ms, which is when the rows are looked at, come by one pipe
(while echo TICK && sleep 0.1; do :; done) >"$work/lines" &
while :; do nc "${GATEWAY_HOST:-gateway}" 7000; echo AWAY; sleep 0.2; done <"$work/answers" >"$work/lines" &
exec 5>"$work/answers"
echo "HELLO ${ROLLOUT_INSTANCE:-laptop}" >&5
while read -r word number; do
  case $word in
    EVENT)
      kept="$kept$number " count=$((count + 1))
      [ "$count" -le 6000 ] || kept=${kept#* } count=$((count - 1))
      ;;
    TICK)
      ticks=$((ticks + 1))
      [ $ticks -lt 3 ] || is_ready=1 # nc would have said by now that it cannot connect
      was=$role && rollout_look && { [ "$was" = "$role" ] || echo "$was -> $role"; }
      [ "$role" != ACTIVE ] || in_flight=1 # until it has settled: it must not be stopped before
      settle
      ;;
    AWAY) ticks=0 is_ready=0 && echo 'the gateway is away' && echo "HELLO ${ROLLOUT_INSTANCE:-laptop}" >&5 ;;
  esac
  answer_kept
done <"$work/lines"
