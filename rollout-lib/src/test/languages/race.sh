# Claims every id, and prints those that it won. An error is an error, never "lost".
. /clients/rollout.sh
rollout_join
n=0
while [ "$n" -lt "$1" ]; do
  i=$((($2 + n) % $1)) n=$((n + 1))
  if rollout_claim "event:$i"; then
    echo "event:$i"
  elif [ "$claim" != LOST ]; then
    echo "$claim: $answer" >&2
    exit 3
  fi
done
