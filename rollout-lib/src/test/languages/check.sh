. /clients/rollout.sh
rollout_join
echo "$role"
odd="it's \"odd\"; -- é
%"
rollout_claim "$odd" 60000
echo "$claim ${token##* }"
first=$token
rollout_lease_until "$first" 0
rollout_claim "$odd" 60000
echo "$claim ${token##* }"
if rollout_lease_until "$first" "$rollout_forever"; then echo held; else echo stale; fi
rollout_claim taken
echo "$claim"
rollout_effect_key "create:1#réponse"
is_ready=1 seen=STANDBY
while [ "$seen" != STOPPED ]; do
  rollout_look
  [ "$role" = "$seen" ] || { seen=$role && echo "$seen"; }
  sleep 0.05
done
rollout_claim late
echo "$claim"
