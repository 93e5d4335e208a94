"""What every pre-training method must do. The tests ask it of the methods here, `workflow.check_method` of any."""
